"""Reads PCL 5 as a page printer does, and prints what stands on the page.

Written from HP's "PCL 5 Printer Language Technical Reference Manual" alone, for
the commands that a form may have; anything else ends it with an error. Output:
the page as lines of text, one character a cell of the first font's pitch, each
piece where its cursor put it. `--boxes` adds a line for each rectangle.
"""

import re
import sys

ESC = 0x1B
DPI = 300
# Logical pages, portrait: dots at 300 to the inch (figure 2-3 of the manual).
WIDTH = {26: 2338, 2: 2400, None: 2400}


class Refused(Exception):
    pass


class Page:
    def __init__(self):
        self.paper = None
        self.lines = None
        self.lpi = 6
        self.x = self.y = 0
        self.font = {"pitch": 10.0, "height": 12.0, "weight": 0, "typeface": None,
                     "spacing": None, "set": None}
        self.text = []  # (y, x, pitch, weight, text)
        self.boxes = []
        self.rect = [0, 0]
        self.underline = False
        self.fed = 0
        self.resets = 0
        self.copies = None

    def reset(self):
        self.resets += 1

    def put(self, text):
        font = self.font
        if font["set"] != "0U" or font["spacing"] != 0 or font["typeface"] != 4099:
            raise Refused("text before ASCII, a fixed pitch and Courier were chosen")
        if self.fed:
            raise Refused("text behind the form feed")
        end = self.x + len(text) * 720.0 / font["pitch"]
        if end > WIDTH[self.paper] * 720 / DPI + 2:
            raise Refused("%r runs beyond the logical page (%d)" % (text, end))
        self.text.append((self.y, self.x, font["pitch"], font["weight"], text))
        self.x = end


COMMAND = re.compile(rb"\x1b([!-/])([`-~]?)([-+]?[0-9]*\.?[0-9]*)([@-Z])")


def run(data):
    page = Page()
    if not data.startswith(b"\x1bE"):
        raise Refused("no reset at the beginning")
    at = 0
    while at < len(data):
        byte = data[at]
        if byte == ESC:
            if data[at:at + 2] == b"\x1bE":
                page.reset()
                at += 2
                continue
            found = COMMAND.match(data, at)
            if not found:
                raise Refused("unknown command %r at %d" % (data[at:at + 6], at))
            head = (found[1] + found[2]).decode()
            number = found[3].decode()
            command(page, head, number, found[4].decode(), found[0])
            at = found.end()
        elif 0x20 <= byte <= 0x7E:
            end = at
            while end < len(data) and 0x20 <= data[end] <= 0x7E:
                end += 1
            page.put(data[at:end].decode())
            at = end
        elif byte == 0x0D:
            page.x = 0
            at += 1
        elif byte == 0x0C:
            if data[at - 1] != 0x0D:
                raise Refused("a form feed without a carriage return before it")
            page.fed += 1
            at += 1
        else:
            raise Refused("control byte %02X at %d" % (byte, at))
    if page.copies != 1:
        raise Refused("the number of copies is not set to one")
    return page


def command(page, head, number, end, raw):
    value = float(number) if number else 0.0
    key = head + end
    if key == "&lX":
        page.copies = int(value)
    elif key == "&lO" and value == 0 or key == "&lL" and value == 0:
        pass
    elif key == "&lE" and value == 0 or key == "&kG" and value == 0:
        pass
    elif key == "&lA" and int(value) in (2, 26):
        page.paper = int(value)
    elif key == "&lP":
        page.lines = int(value)
    elif key == "&lD" and value in (6, 8):
        page.lpi = int(value)
    elif key == "&aH":
        page.x = value
    elif key == "&aV":
        page.y = value
    elif key == "(U" and value == 0:
        page.font["set"] = "0U"
    elif key == "(sP":
        page.font["spacing"] = int(value)
    elif key == "(sH":
        page.font["pitch"] = value
    elif key == "(sV":
        page.font["height"] = value
    elif key == "(sS" and value in (0, 1):
        pass
    elif key == "(sB" and value in (0, 3):
        page.font["weight"] = int(value)
    elif key == "(sT":
        page.font["typeface"] = int(value)
    elif key == "*cH":
        page.rect[0] = value
    elif key == "*cV":
        page.rect[1] = value
    elif key == "*cP" and value == 0:
        page.boxes.append((page.x, page.y, page.rect[0], page.rect[1]))
    elif key == "&dD" and value == 0:
        page.underline = True
    elif raw == b"\x1b&d@":
        page.underline = False
    else:
        raise Refused("command %r has no business on a form" % raw)


def show(page):
    """Text by lines: what shares a baseline stands on one line."""
    if not page.text:
        return
    narrow = max(pitch for _, _, pitch, _, _ in page.text)
    cell = 720.0 / narrow
    rows = {}
    for y, x, pitch, _, text in page.text:
        rows.setdefault(y, []).append((x, pitch, text))
    for y in sorted(rows):
        line = ""
        for x, pitch, text in sorted(rows[y]):
            column = round(x / cell)
            # Wide letters stand together here; what follows keeps its column.
            if len(line) > column:
                raise Refused("%r prints over %r" % (text, line))
            line += " " * (column - len(line)) + text
        print(line.rstrip())


def main():
    with open(sys.argv[1], "rb") as file:
        page = run(file.read())
    show(page)
    if "--boxes" in sys.argv:
        for box in page.boxes:
            print("box", *("%d" % side for side in box))
    print("fed %d resets %d" % (page.fed, page.resets))


if __name__ == "__main__":
    try:
        main()
    except Refused as why:
        print(why, file=sys.stderr)
        sys.exit(1)
