(loop for c = (read-char nil nil) while c do (write-char c))
