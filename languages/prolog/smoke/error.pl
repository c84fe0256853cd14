:- initialization(main).
main :- atom_length(_, _).
