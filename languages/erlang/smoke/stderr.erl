#!/usr/bin/env escript
main(_) ->
    io:format("to stdout~n"),
    io:format(standard_error, "to stderr~n", []).
