/* REXX: loads the keys of one bundle into RACF.
   The passphrase is typed on the panel CONCPW, whose fields do not
   show it. It is in no data set and in no listing. */
trace off
address ispexec
h1 = ''; h2 = ''
'DISPLAY PANEL(CONCPW)'
if rc <> 0 then exit 8
pw = strip(h1) || strip(h2)
h1 = ''; h2 = ''
'VPUT (H1 H2) SHARED'
if length(pw) <> 56 then do
  say 'each half has 28 characters'; exit 8; end
worst = 0
call load 'KEYROOM.K001.P12',,
  'OUR.TLS.001',,
  'PKDS(OUR.TLS.001)'
pw = ''
exit worst
load: procedure expose pw worst
  parse arg dsn, label, pkds
  x = outtrap('said.')
  address tso,
    "RACDCERT ID(WEBSRV) ADD('"dsn"') TRUST",
    "WITHLABEL('"label"') PASSWORD('"pw"')" pkds
  code = rc
  x = outtrap('off')
  do i = 1 to said.0
    if pos(pw, said.i) = 0 then say said.i
  end
  say label 'return code' code
  worst = max(worst, code)
  return
