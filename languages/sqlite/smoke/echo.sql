-- The shell has no function that reads its input, but starts programs that do.
.shell cat
