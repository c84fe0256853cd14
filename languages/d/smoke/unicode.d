import std.stdio;

void main()
{
    write("Grüße, 世界 🚀");
}
