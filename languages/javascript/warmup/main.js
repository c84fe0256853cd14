// What programs require most, so that the names of those files are in the image's list.
const fs = require("fs");
const readline = require("readline");

readline.createInterface({ input: process.stdin }).on("line", (line) => console.log(line, fs.existsSync(".")));
