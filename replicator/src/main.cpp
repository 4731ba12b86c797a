// main.cpp - the program `walgate`.

#include "cli/command_line.hpp"

int main(int count, char** arguments) {
  return walgate::cli::command_line({arguments + 1, arguments + count}, walgate::cli::standard_streams());
}
