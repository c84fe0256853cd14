main :: IO ()
main = putStr "Grüße, 世界 🚀"
