"""What can be said about a verified estimate: errors, intervals, criteria, the rate of EM."""
