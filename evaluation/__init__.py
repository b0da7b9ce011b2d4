"""The metrics of video object segmentation and the reports that print them."""
