(use-modules (ice-9 textual-ports))
(put-string (current-output-port) (get-string-all (current-input-port)))
