input <- file("stdin", "rb")
cat(rawToChar(readBin(input, raw(), 1e6)))
