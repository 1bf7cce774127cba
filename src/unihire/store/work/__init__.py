"""What is to be done for connectors: runs, when they are due, and the jobs by which workers take them up."""
