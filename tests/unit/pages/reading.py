"""What a browser would make of a page: its tags, attributes and words."""

from html.parser import HTMLParser

HOSTILE = b'/p/<script>alert("1")</script>\'&\n\x1b[31m\xff\xe2\x80\xaegpj.exe'
"""A file's name: markup, a line end, an escape, a byte that is no text, and what turns text."""

TURNING = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""All that Unicode calls a control of direction."""


class Page(HTMLParser):
    """The tags, the attributes and the words of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag, name):
        return [attrs[name] for found, attrs in self.tags if found == tag and name in attrs]

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())
