:- initialization(main).
main :- write('to stdout'), nl, write(user_error, 'to stderr'), nl(user_error).
