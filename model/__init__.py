"""The network of Hou et al. (BMVC 2019) and its training."""
