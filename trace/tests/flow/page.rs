//! Belongs here: the page about the file, whose example is made again.
