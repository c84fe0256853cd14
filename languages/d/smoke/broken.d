void main()
{
    string text = 1;
}
