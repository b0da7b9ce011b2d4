"""From a video file to objects: `media` opens it, `network` looks at it, `objects` come out."""
