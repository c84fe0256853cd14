;; The modules that programs use most, so that the names of those files are in the image's list.
(use-modules (ice-9 format) (ice-9 match) (ice-9 rdelim) (ice-9 textual-ports) (srfi srfi-1) (srfi srfi-13))
(display (read-line))
(newline)
