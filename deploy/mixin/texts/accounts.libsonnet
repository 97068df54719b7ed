// What the alerts on accounts say.
{
  FrsAccountInDebt: {
    summary: {
      en: 'An account is in arrears.',
      'zh-CN': '账号已欠费。',
    },
    description: {
      en: |||
        Account {{ $labels.account }} owes {{ $value | printf "%.2f" }} {{ $labels.currency }}: what is paid by use
        stops, then all of FRS is frozen, and after the retention period face data is deleted for good. Pay it now.
      |||,
      'zh-CN': |||
        账号 {{ $labels.account }} 欠费 {{ $value | printf "%.2f" }} {{ $labels.currency }}：按需计费的调用先停止，随后整个 FRS
        被冻结，保留期过后人脸数据将被永久删除。请立即结清。
      |||,
    },
  },

  FrsAccountBalanceLow: {
    summary: {
      en: 'An account will soon have no money left.',
      'zh-CN': '账号余额即将用尽。',
    },
    description: {
      en: |||
        Account {{ $labels.account }} has {{ $labels.currency }} for {{ $value | printf "%.1f" }} days, if it spends as in
        the last %(spendingWindow:words)s.{{ with printf
        `account_currency:frs_account_balance:sum{%(clusterLabel)s=%q,namespace=%q,job=%q,instance=%q,account=%q,currency=%q}`
        $labels.%(clusterLabel)s $labels.namespace $labels.job $labels.instance $labels.account $labels.currency | query }}
        {{ . | first | value | printf "%.2f" }} {{ $labels.currency }} are left.{{ end }} Top it up before it is in arrears.
      |||,
      'zh-CN': |||
        按过去 %(spendingWindow:words)s的花费，账号 {{ $labels.account }} 的 {{ $labels.currency }} 还够用 {{ $value | printf "%.1f" }} 天。{{ with printf
        `account_currency:frs_account_balance:sum{%(clusterLabel)s=%q,namespace=%q,job=%q,instance=%q,account=%q,currency=%q}`
        $labels.%(clusterLabel)s $labels.namespace $labels.job $labels.instance $labels.account $labels.currency | query }}剩余
        {{ . | first | value | printf "%.2f" }} {{ $labels.currency }}。{{ end }}请在欠费之前充值。
      |||,
    },
  },

  FrsPackageExpires: {
    summary: {
      en: 'A package ends soon, and none follows it.',
      'zh-CN': '套餐包即将到期，且没有后续的套餐包。',
    },
    description: {
      en: |||
        {{ $labels.name }} of account {{ $labels.account }} ({{ $labels.region }}) ends in
        {{ $value | printf "%.1f" }} days: what is left in it is lost then, and calls are paid one by one.
      |||,
      'zh-CN': |||
        账号 {{ $labels.account }} 的 {{ $labels.name }}（{{ $labels.region }}）将在 {{ $value | printf "%.1f" }} 天后到期：
        届时剩余的额度作废，调用按次计费。
      |||,
    },
  },

  FrsPackageNearlyUsedUp: {
    summary: {
      en: 'A package will soon be used up.',
      'zh-CN': '套餐包即将用尽。',
    },
    description: {
      en: |||
        {{ $labels.name }} of account {{ $labels.account }} ({{ $labels.region }}) lasts for
        {{ $value | printf "%.1f" }} days, if it is used as in the last %(usageWindow:words)s.{{ with printf
        `account_resource:frs_package_remaining:sum{%(clusterLabel)s=%q,namespace=%q,job=%q,instance=%q,account=%q,name=%q,region=%q,service_type=%q,enterprise_project=%q,resource=%q,unit=%q}`
        $labels.%(clusterLabel)s $labels.namespace $labels.job $labels.instance $labels.account $labels.name $labels.region
        $labels.service_type $labels.enterprise_project $labels.resource $labels.unit | query }}
        {{ . | first | value | printf "%.0f" }} {{ $labels.unit }} of {{ $labels.resource }} are left.{{ end }} Then calls
        are paid one by one.
      |||,
      'zh-CN': |||
        按过去 %(usageWindow:words)s的用量，账号 {{ $labels.account }} 的 {{ $labels.name }}（{{ $labels.region }}）还够用
        {{ $value | printf "%.1f" }} 天。{{ with printf
        `account_resource:frs_package_remaining:sum{%(clusterLabel)s=%q,namespace=%q,job=%q,instance=%q,account=%q,name=%q,region=%q,service_type=%q,enterprise_project=%q,resource=%q,unit=%q}`
        $labels.%(clusterLabel)s $labels.namespace $labels.job $labels.instance $labels.account $labels.name $labels.region
        $labels.service_type $labels.enterprise_project $labels.resource $labels.unit | query }}{{ $labels.resource }} 剩余
        {{ . | first | value | printf "%.0f" }} {{ $labels.unit }}。{{ end }}用尽后调用按次计费。
      |||,
    },
  },

  FrsPackageUsedUp: {
    summary: {
      en: 'A package is used up, and there is no other.',
      'zh-CN': '套餐包已用尽，且没有其他套餐包。',
    },
    description: {
      en: |||
        All {{ $value | printf "%.0f" }} {{ $labels.unit }} of {{ $labels.resource }} in {{ $labels.name }} of account
        {{ $labels.account }} ({{ $labels.region }}) are used up: from now on calls are paid one by one.
      |||,
      'zh-CN': |||
        账号 {{ $labels.account }} 的 {{ $labels.name }}（{{ $labels.region }}）中 {{ $labels.resource }} 的
        {{ $value | printf "%.0f" }} {{ $labels.unit }} 已全部用尽：此后的调用按次计费。
      |||,
    },
  },

  FrsVoucherExpires: {
    summary: {
      en: 'A coupon or a card with money on it ends soon.',
      'zh-CN': '有余额的代金券或储值卡即将到期。',
    },
    description: {
      en: |||
        {{ $value | printf "%.2f" }} {{ $labels.currency }} on {{ $labels.kind }} {{ $labels.voucher }} of account
        {{ $labels.account }} are lost if they are not spent{{ with printf
        `frs_voucher_expire_timestamp_seconds{%(clusterLabel)s=%q,namespace=%q,job=%q,instance=%q,account=%q,voucher=%q,kind=%q} - time()`
        $labels.%(clusterLabel)s $labels.namespace $labels.job $labels.instance $labels.account $labels.voucher $labels.kind
        | query }} within {{ . | first | value | humanizeDuration }}{{ end }}.
      |||,
      'zh-CN': |||
        账号 {{ $labels.account }} 的 {{ $labels.kind }} {{ $labels.voucher }} 还有 {{ $value | printf "%.2f" }}
        {{ $labels.currency }}{{ with printf
        `frs_voucher_expire_timestamp_seconds{%(clusterLabel)s=%q,namespace=%q,job=%q,instance=%q,account=%q,voucher=%q,kind=%q} - time()`
        $labels.%(clusterLabel)s $labels.namespace $labels.job $labels.instance $labels.account $labels.voucher $labels.kind
        | query }}，将在 {{ . | first | value | humanizeDuration }} 后到期{{ end }}：到期未用即作废。
      |||,
    },
  },

  FrsBillingNotPermitted: {
    summary: {
      en: 'An FRS exporter may not see what an account has and owes.',
      'zh-CN': 'FRS exporter 无权查看账号的余额和欠费。',
    },
    description: {
      en: |||
        {{ $labels.collector }} of account {{ $labels.project }} (credential {{ $labels.credential }}) is refused for %(for:words)s:
        no alert tells before {{ if eq $labels.collector "vouchers" }}a coupon or a card ends{{ else }}its money or a package
        runs out{{ end }}.{{ with printf
        `frs_poll_error_info{%(clusterLabel)s=%q,namespace=%q,job=%q,instance=%q,project=%q,collector=%q}`
        $labels.%(clusterLabel)s $labels.namespace $labels.job $labels.instance $labels.project $labels.collector
        | query }}{{ $it := first . }} frs-exporter explain {{ or $it.Labels.code $it.Labels.reason }} says why, and what to do.{{ end }}
      |||,
      'zh-CN': |||
        账号 {{ $labels.project }} 的 {{ $labels.collector }}（凭证 {{ $labels.credential }}）已被拒绝 %(for:words)s：
        {{ if eq $labels.collector "vouchers" }}代金券或储值卡到期{{ else }}余额或套餐包用尽{{ end }}之前不会有告警。{{ with printf
        `frs_poll_error_info{%(clusterLabel)s=%q,namespace=%q,job=%q,instance=%q,project=%q,collector=%q}`
        $labels.%(clusterLabel)s $labels.namespace $labels.job $labels.instance $labels.project $labels.collector
        | query }}{{ $it := first . }}原因和处理建议见 frs-exporter explain {{ or $it.Labels.code $it.Labels.reason }}。{{ end }}
      |||,
    },
  },
}
