let () = print_string (In_channel.input_all stdin)
