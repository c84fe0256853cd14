:- initialization(main).
main :-
    set_stream(user_input, encoding(octet)),
    set_stream(user_output, encoding(octet)),
    copy_stream_data(user_input, user_output).
