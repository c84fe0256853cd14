#!/usr/bin/env escript
main(_) -> copy().

copy() ->
    case io:get_chars("", 4096) of
        eof -> ok;
        Data -> ok = io:put_chars(Data), copy()
    end.
