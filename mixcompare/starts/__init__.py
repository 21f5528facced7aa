"""Starting points, one scheme a file, each reproducible from its own index."""
