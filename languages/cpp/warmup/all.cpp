// All standard headers, so that their names are in the image's list.
#include <bits/stdc++.h>

int main() {
    std::string line;
    std::getline(std::cin, line);
    std::cout << line << '\n';
}
