-- The modules that programs import most, so that the names of those files are in the image's list.
module Main where

import Control.Monad (forM_, when)
import Data.Char (toUpper)
import Data.IORef (newIORef, readIORef)
import Data.List (sort)
import qualified Data.Map.Strict as Map
import qualified Data.Set as Set
import System.IO (hFlush, stdout)

main :: IO ()
main = do
  line <- getLine
  cell <- newIORef (Map.fromList (zip line [1 :: Int ..]))
  count <- Map.size <$> readIORef cell
  forM_ (sort (Set.toList (Set.fromList line))) $ \c -> when (c /= ' ') (putStr [toUpper c])
  print count
  hFlush stdout
