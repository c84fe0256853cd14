;; Nothing but a line read: SBCL is one file.
(write-line (read-line))
