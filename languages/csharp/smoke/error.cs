using System;

class Program
{
    static void Main()
    {
        throw new InvalidOperationException("nobody catches this");
    }
}
