// The modules that programs import most, so that the names of those files are in the image's list.
import std.algorithm, std.array, std.conv, std.math, std.range, std.stdio, std.string;

void main()
{
    auto line = readln().strip;
    writeln(line.split.map!(word => word.length).array.sort.retro, sqrt(2.0), to!string(1));
}
