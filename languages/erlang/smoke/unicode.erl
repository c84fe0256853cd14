#!/usr/bin/env escript
main(_) -> io:format("~ts", ["Grüße, 世界 🚀"]).
