using System;

class Program
{
    static void Main()
    {
        Console.WriteLine("to stdout");
        Console.Error.WriteLine("to stderr");
    }
}
