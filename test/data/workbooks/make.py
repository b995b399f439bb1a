# Writes animals.xlsx by openpyxl (3.0.9, Debian's python3-openpyxl): what another program than the reader's makes of cells of each kind.
#   python3 test/data/workbooks/make.py
import datetime
from pathlib import Path

import openpyxl

book = openpyxl.Workbook()
hidden = book.active
hidden.title = "notes"
hidden.append(["not", "the", "table"])
hidden.sheet_state = "hidden"
sheet = book.create_sheet("animals")
sheet.append(["name", "length", "born", "share", "tame", "code", "fed"])
sheet.append(["Möller", 1.5, datetime.date(2020, 1, 31), 0.25, True, "0012", datetime.time(8, 15)])
sheet.append(["Müller & <Söhne>", 2.25, datetime.datetime(1999, 12, 31, 13, 30), 0.5, False, "#N/A", None])
sheet.append([])
sheet.append(["  cat", 1e-7, datetime.date(1900, 2, 1), 1, None, "7", None])
for row in sheet["D2:D5"]:
    row[0].number_format = "0 %"
sheet["I9"].fill = openpyxl.styles.PatternFill("solid", fgColor="FFFF00")
book.create_sheet("other").append(["a", "b"])
book.active = 1
book.save(Path(__file__).with_name("animals.xlsx"))
