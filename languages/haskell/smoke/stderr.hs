import System.IO

main :: IO ()
main = do
  putStrLn "to stdout"
  hPutStrLn stderr "to stderr"
