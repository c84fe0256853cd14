let () = print_string "Grüße, 世界 🚀"
