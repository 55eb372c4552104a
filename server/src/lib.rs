//! The apogee binary: command line, web pages, JSON API.
