// Groups of rules as Prometheus loads them, of those in rules/ and texts/ and a _config.
local words = import 'words.libsonnet';

local put(name, value) = if value == null || value == '' then {} else { [name]: value };

function(config, thresholds, groups)
  local numbers = { [name]: thresholds[name].value for name in std.objectFields(thresholds) } + config.thresholds;

  // What is put in the place of names: in expressions, and in texts of a language, which name lengths of time in words.
  local values = { selector: config.selector, clusterLabel: config.clusterLabel } + {
    [name]: if std.type(numbers[name]) == 'number' then words.number(numbers[name]) else numbers[name]
    for name in std.objectFields(numbers)
  };
  local inWords = {
    [language]: values {
      [name + ':words']: words.duration(values[name] + (if std.endsWith(name, 'Days') then 'd' else ''), language)
      for name in std.objectFields(numbers)
      if std.type(numbers[name]) == 'string' || std.endsWith(name, 'Days')
    }
    for language in ['en', 'zh-CN']
  };
  local said(text, settings, language) = words.filled(text, inWords[language] {
    'for:words': words.duration(settings['for'], language),
    'keepFiringFor:words': words.duration(settings.keepFiringFor, language),
  });
  local page = if config.pageUrl == '' then 'http://{{ $labels.instance }}' else std.rstripChars(config.pageUrl, '/');
  local expression(text) = words.filled(text, values);

  local annotations(rule, settings) = std.foldl(
    function(found, language)
      local suffix = if language == config.languages[0] then '' else '_' + std.strReplace(language, '-', '_');
      found {
        [part + suffix]: said(rule.texts[part][language], settings, language)
        for part in ['summary', 'description']
      },
    config.languages,
    { runbook_url: config.runbookUrl + '#' + std.asciiLower(rule.alert) } +
    if std.objectHas(rule, 'page') then {
      page_url: page + said(rule.page, settings, 'en'),
    } else {}
  );

  local alert(rule) =
    local settings = { enabled: true, 'for': '', keepFiringFor: '', labels: {} } + rule.settings + (if std.objectHas(config.alerts, rule.alert) then config.alerts[rule.alert] else {});
    if !settings.enabled then [] else [
      { alert: rule.alert, expr: expression(rule.expr) } +
      put('for', settings['for']) +
      put('keep_firing_for', settings.keepFiringFor) +
      {
        labels: { severity: settings.severity } + config.additionalRuleLabels + settings.labels,
        annotations: annotations(rule, settings),
      },
    ];
  local record(rule) = [{ record: rule.record, expr: expression(rule.expr) }];

  local wanted(rule) = if std.objectHas(rule, 'alert') then alert(rule) else record(rule);
  local all = [group { rules: std.flattenArrays([wanted(rule) for rule in super.rules]) } for group in groups];
  [group for group in all if group.rules != []]
