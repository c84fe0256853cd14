% The libraries that programs use most, so that the names of those files are in the image's list.
:- use_module(library(apply)).
:- use_module(library(assoc)).
:- use_module(library(clpfd)).
:- use_module(library(dcg/basics)).
:- use_module(library(lists)).
:- use_module(library(readutil)).
:- initialization(main).
main :- read_line_to_string(user_input, Line), writeln(Line).
