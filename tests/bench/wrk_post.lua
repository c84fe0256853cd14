-- wrk_post.lua PATH BODY: every request posts the content of the file BODY to PATH.
require "wrk_report"

function init(arguments)
    local file = assert(io.open(arguments[2], "rb"))
    local body = file:read("*a")
    file:close()
    post = wrk.format("POST", arguments[1], { ["Content-Type"] = "application/json" }, body)
end

function request()
    return post
end
