#!/usr/bin/env escript
%% Nothing but a line read: what the virtual machine loads at each start is in the image's list.
main(_) -> io:format("~s ~p~n", [io:get_line(""), lists:sort(maps:keys(#{a => 1}))]).
