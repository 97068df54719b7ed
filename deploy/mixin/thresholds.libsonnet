// All numbers of the rules that can be set: what each is as shipped, and what it means, in each language.
// A number of days, seconds or calls is a number; a length of time that Prometheus looks back at is a text, as '24h'.
// What ends in Ratio is above 0 and at most 1.
local threshold(value, en, zh) = { value: value, meaning: { en: en, 'zh-CN': zh } };

{
  exporterRemembered: threshold(
    '7d',
    'how long an exporter that does not answer is known to be one',
    'exporter 停止响应后，仍被视为 exporter 的时间'
  ),
  probeRemembered: threshold(
    '1d',
    'how long a project or account that is not told of is known to be probed',
    '项目或账号没有数据后，仍被视为探测对象的时间'
  ),
  missingWindow: threshold(
    '24h',
    'FrsExporterMissing: fewer exporters than within this time',
    'FrsExporterMissing：与这段时间内的 exporter 数量相比'
  ),
  projectsMissingRatio: threshold(
    0.75,
    'FrsProjectsMissing: fewer than this part of those within missingWindow',
    'FrsProjectsMissing：少于 missingWindow 之内数量的这一比例'
  ),
  restarts: threshold(3, 'FrsExporterRestarting: so many starts', 'FrsExporterRestarting：启动次数'),
  restartsWindow: threshold('1h', 'FrsExporterRestarting: within this time', 'FrsExporterRestarting：统计启动次数的时间'),
  webCertificateDays: threshold(
    14,
    'FrsWebCertificateExpiring: days that are left of the certificate',
    'FrsWebCertificateExpiring：证书剩余的天数'
  ),
  clockSkewSeconds: threshold(60, 'FrsClockSkewed: seconds', 'FrsClockSkewed：时钟相差的秒数'),
  scheduleLagSeconds: threshold(30, 'FrsScheduleLagging: seconds of waiting', 'FrsScheduleLagging：排队的秒数'),

  failingIntervals: threshold(
    3,
    'FrsAuthFailing, FrsApiAbsent, FrsThrottled, FrsPollFailing: poll intervals without an answer',
    'FrsAuthFailing、FrsApiAbsent、FrsThrottled、FrsPollFailing：没有答复的轮询周期数'
  ),
  staleIntervals: threshold(
    10,
    'FrsDataStale: poll intervals without an answer',
    'FrsDataStale：没有答复的轮询周期数'
  ),
  tokenSeconds: threshold(
    1800,
    'FrsTokenExpiring: seconds that are left of the token, two poll intervals less',
    'FrsTokenExpiring：Token 剩余的秒数，再减去两个轮询周期'
  ),
  unreliableRatio: threshold(
    0.5,
    'FrsPollsUnreliable: part of the polls that fail',
    'FrsPollsUnreliable：失败的轮询所占的比例'
  ),
  unreliablePolls: threshold(
    6,
    'FrsPollsUnreliable: polls within an hour at least, of accounts within a day',
    'FrsPollsUnreliable：一小时（账号为一天）内至少的轮询次数'
  ),
  unreachableRatio: threshold(
    0.5,
    'FrsRegionUnreachable, FrsCloudUnreachable: part of the projects without an answer',
    'FrsRegionUnreachable、FrsCloudUnreachable：没有答复的项目所占的比例'
  ),

  lostWindow: threshold(
    '24h',
    'FrsSubserviceLost: was subscribed within this time',
    'FrsSubserviceLost：这段时间之内曾经开通'
  ),

  faceSetNearlyFullRatio: threshold(
    0.8,
    'FrsFaceSetNearlyFull from here on, FrsFaceSetFilling below',
    '达到此值为 FrsFaceSetNearlyFull，低于此值为 FrsFaceSetFilling'
  ),
  faceSetFullRatio: threshold(
    0.95,
    'FrsFaceSetFull from here on, FrsFaceSetNearlyFull below',
    '达到此值为 FrsFaceSetFull，低于此值为 FrsFaceSetNearlyFull'
  ),
  faceSetFillingDays: threshold(7, 'FrsFaceSetFilling: full in so many days', 'FrsFaceSetFilling：写满之前的天数'),
  faceSetQuotaNearlyUsedRatio: threshold(
    0.8,
    'FrsFaceSetQuotaNearlyUsed from here on, FrsFaceSetQuotaFilling below',
    '达到此值为 FrsFaceSetQuotaNearlyUsed，低于此值为 FrsFaceSetQuotaFilling'
  ),
  faceSetQuotaUsedUpRatio: threshold(
    0.95,
    'FrsFaceSetQuotaUsedUp from here on, FrsFaceSetQuotaNearlyUsed below',
    '达到此值为 FrsFaceSetQuotaUsedUp，低于此值为 FrsFaceSetQuotaNearlyUsed'
  ),
  faceSetQuotaFillingDays: threshold(
    7,
    'FrsFaceSetQuotaFilling: used up in so many days',
    'FrsFaceSetQuotaFilling：用尽之前的天数'
  ),

  apiServerErrorRatio: threshold(
    0.05,
    'FrsApiErrorRatioHigh: of the calls, for errors of the vendor (5xx)',
    'FrsApiErrorRatioHigh：华为云错误（5xx）占调用的比例'
  ),
  apiClientErrorRatio: threshold(
    0.5,
    'FrsApiErrorRatioHigh: of the calls, for errors of who calls (4xx)',
    'FrsApiErrorRatioHigh：调用方错误（4xx）占调用的比例'
  ),
  apiErrors: threshold(
    10,
    'FrsApiErrorRatioHigh: errors within 30 minutes at least',
    'FrsApiErrorRatioHigh：30 分钟内至少的错误次数'
  ),
  apiLatencySeconds: threshold(2, 'FrsApiSlow: seconds on average', 'FrsApiSlow：平均耗时的秒数'),
  apiCalls: threshold(10, 'FrsApiSlow: calls within 30 minutes at least', 'FrsApiSlow：30 分钟内至少的调用次数'),

  balanceDays: threshold(7, 'FrsAccountBalanceLow: days that the money lasts', 'FrsAccountBalanceLow：余额够用的天数'),
  spendingWindow: threshold('7d', 'what is spent each day, by this time', '推算每天花费的时间'),
  spendingHours: threshold(24, 'hours of it that must be known', '其中必须已知的小时数'),
  packageExpiryDays: threshold(14, 'FrsPackageExpires: days that are left', 'FrsPackageExpires：剩余的天数'),
  packageDays: threshold(
    7,
    'FrsPackageNearlyUsedUp: days that the package lasts',
    'FrsPackageNearlyUsedUp：套餐包够用的天数'
  ),
  usageWindow: threshold('7d', 'what is used of a package each day, by this time', '推算套餐包每天用量的时间'),
  usageHours: threshold(24, 'hours of it that must be known', '其中必须已知的小时数'),
  packageUsedUpWindow: threshold(
    '7d',
    'FrsPackageUsedUp: how long it is told of',
    'FrsPackageUsedUp：用尽之后持续告警的时间'
  ),
  voucherDays: threshold(14, 'FrsVoucherExpires: days that are left', 'FrsVoucherExpires：剩余的天数'),
}
