int main() {
    return nowhere;
}
