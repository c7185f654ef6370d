// header.cpp - the umbrella header and nothing else.
#include <vitrail/vitrail.hpp>

int main() {}
