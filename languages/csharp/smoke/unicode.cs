using System;

class Program
{
    static void Main()
    {
        Console.Write("Grüße, 世界 🚀");
    }
}
