"""Films made by ffmpeg alone, of which everything is known: where the cuts are, where something happens."""
