:- initialization(main).
main :- write('Grüße, 世界 🚀').
