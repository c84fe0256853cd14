-- wrk_get.lua PATHS: gets the paths that the lines of the file PATHS name, in turn.
require "wrk_report"

function init(arguments)
    gets = {}
    for path in io.lines(arguments[1]) do
        gets[#gets + 1] = wrk.format("GET", path)
    end
    at = 0
end

function request()
    at = at % #gets + 1
    return gets[at]
end
