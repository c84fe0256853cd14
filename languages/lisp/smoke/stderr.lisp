(write-line "to stdout")
(write-line "to stderr" *error-output*)
