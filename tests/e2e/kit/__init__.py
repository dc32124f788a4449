"""What the end-to-end tests are made of: the program under test, its peers, plain servers, small clients."""
