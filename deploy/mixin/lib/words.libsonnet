// Texts: lines that belong together, lengths of time in words, and what is put in the place of a name in %( )s.
local isDigit(c) = c == '.' || (std.codepoint(c) >= std.codepoint('0') && std.codepoint(c) <= std.codepoint('9'));
local withoutEnd(text, count) = std.substr(text, 0, std.length(text) - count);
local units = {
  en: { s: 'second', m: 'minute', h: 'hour', d: 'day', w: 'week', y: 'year' },
  'zh-CN': { s: '秒', m: '分钟', h: '小时', d: '天', w: '周', y: '年' },
};

// Marks of Chinese have their own blank.
local isFullWidth(c) =
  local p = std.codepoint(c);
  (p >= std.codepoint('　') && p <= std.codepoint('〿')) ||
  (p >= std.codepoint('＀') && p <= std.codepoint('￯'));
local isHan(c) = local p = std.codepoint(c); p >= std.codepoint('一') && p <= std.codepoint('鿿');

{
  // A number as PromQL has it: 0.95 is 0.94999999999999996 to std.toString.
  number(value):: if std.floor(value) == value then '%d' % value else '%.15g' % value,

  // '5m' as [['5', 'm']]: what is not a length of time has other units than Prometheus knows, or none.
  parts(duration):: std.foldl(
    function(found, c)
      if isDigit(c) then
        if std.length(found) > 0 && found[std.length(found) - 1][1] == ''
        then found[:std.length(found) - 1] + [[found[std.length(found) - 1][0] + c, '']]
        else found + [[c, '']]
      else if std.length(found) > 0
      then found[:std.length(found) - 1] + [[found[std.length(found) - 1][0], found[std.length(found) - 1][1] + c]]
      else [['', c]],
    std.stringChars(duration),
    []
  ),

  // A length of time in words: '90m' is '90 minutes'.
  duration(text, language):: std.join(' ', [
    part[0] + ' ' + units[language][part[1]] + (if language == 'en' && part[0] != '1' then 's' else '')
    for part in $.parts(text)
  ]),

  // A text without the end of its last line, which a block of text has.
  stripped(text):: if text[std.length(text) - 1] == '\n' then withoutEnd(text, 1) else text,

  // One line of several, without the blanks that Chinese does not have.
  folded(text):: std.foldl(
    function(before, line)
      if before == '' then line
      else
        local a = before[std.length(before) - 1], b = line[0];
        before + (if isFullWidth(a) || isFullWidth(b) || (isHan(a) && isHan(b)) then '' else ' ') + line,
    [line for line in std.split(text, '\n') if line != ''],
    ''
  ),

  // A text with values in the place of their names. Where there is no selector, its braces or its comma go, too.
  filled(text, values)::
    local pieces = std.split(text, '%');
    std.foldl(
      function(before, piece)
        if piece == '' || piece[0] != '(' then before + '%' + piece
        else
          local parts = std.split(piece, ')'), end = std.join(')', parts[1:]);
          local name = std.substr(parts[0], 1, std.length(parts[0])), after = std.substr(end, 1, std.length(end));
          if name != 'selector' || values.selector != '' then before + values[name] + after
          else if before[std.length(before) - 1] == '{' then withoutEnd(before, 1) + std.substr(after, 1, std.length(after))
          else withoutEnd(before, 2) + after,
      pieces[1:],
      pieces[0]
    ),
}
