// What most programs begin with.
#include <iostream>

int main() {
    std::string line;
    std::getline(std::cin, line);
    std::cout << line << '\n';
}
