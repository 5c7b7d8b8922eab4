"""Passwords that anybody would try first, of those that are long enough to be asked for; with this clinic's own.

A short list on purpose: length and the wait after wrong tries do the work. A tail of digits is taken off before
looking up, so a word stands here once.
"""

from __future__ import annotations

_WORDS = """
123456789012 1234567890123 12345678901234 123456789123 123456123456 112233445566 111222333444 123123123123
012345678910 1234567891011 098765432109 987654321098 987654321012 121212121212 123321123321 147258369147
password passwordpassword password1password mypassword mypasswordis passwort passw0rd p@ssword p@ssw0rd
p@ssw0rdp@ssw0rd pa$$word thepassword newpassword changeme changemenow changeit pleasechangeme letmein letmeinnow
letmeinplease welcome welcomeback welcomehome welcometo trustno iloveyou iloveyouso iloveyoubaby iloveyouforever
iloveyouiloveyou ihateyou sunshine princess football baseball basketball superman batman dragon monkey master
shadow michael jennifer jordan charlie computer internet whatever starwars pokemon liverpool manchester chelsea
qwerty qwertyqwerty qwertyuiop qwertyuiopasdf qwertyuiop[] qwertyuiopasdfghjkl qwertyasdfgh qwertyasdfzxcv
qwerty123456 asdfghjkl asdfghjklzxcvbnm asdfasdfasdf asdfghjkl;' zxcvbnm zxcvbnmasdf 1qaz2wsx 1qaz2wsx3edc
1qaz2wsx3edc4rfv qazwsxedc qazwsxedcrfv qazwsxedcrfvtgb 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y 1q2w3e4r5t6y7u q1w2e3r4t5y6
zaq12wsxcde3 zaq1zaq1zaq1 abc123abc123 abcd1234abcd abcdefghijkl abcdefghijklm abcdefgh abcdefghij a1b2c3d4e5f6
aaaaaaaaaaaa administrator adminadmin adminadminadmin admin123admin administrador superuser superadmin rootroot
rootrootroot testtest testtesttest testtesttesttest testpassword defaultpassword temporary temporarypassword
temppassword secret secretsecret topsecret mysecret verysecret nopassword nopasswordhere correcthorsebatterystaple
correcthorse incorrect godblessamerica godisgood jesuschrist jesuslovesme
thankyoujesus blessed grateful loveyou lovelove lovelovelove forever foreverandever together summer winter spring
autumn monday friday january december football1football newyork newyorkcity illinois chicago saintlouis america
unitedstates california albany albanyny albanynewyork albanyclinic thealbanyclinic thealbany carbondale
carbondaleil carbondaleillinois clinic theclinic ketamine ketamineclinic ivketamine spravato esketamine
depression anxiety wellness mentalhealth healthcare hospital nurture leadworker frontdesk receptionist reception
marketing marketer operator viewer supervisor manager officemanager helpdesk
"""
COMMON = frozenset(_WORDS.split())
